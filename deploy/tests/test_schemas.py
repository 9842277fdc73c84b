"""The manifests are what Kubernetes and Argo take."""

import copy
import unittest

from tests.manifests import REPOSITORY, Object, manifests, read, template, templates
from tests.schemas import problems_of


class Schemas(unittest.TestCase):
    def test_every_object_keeps_to_the_published_schema_of_its_kind(self) -> None:
        kinds = {manifest.kind for manifest in manifests()}
        self.assertLessEqual({"WorkflowTemplate", "Role", "NetworkPolicy", "Secret"}, kinds)
        for manifest in manifests():
            with self.subTest(str(manifest)):
                self.assertEqual(problems_of(manifest.content), [])

    def test_so_does_the_template_of_the_example(self) -> None:
        example = read(REPOSITORY / "examples/auto-mpg/argo/template.yaml")
        self.assertEqual(problems_of(example), [])


class MisspeltFields(unittest.TestCase):
    """The checks above are worth something: each of these mistakes is found."""

    def changed(self, *path: str | int, to: object) -> Object:
        content = copy.deepcopy(next(t.content for t in templates() if t.name == "moulding-trial"))
        inner = content
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = to
        return content

    def assert_found(self, content: Object, word: str) -> None:
        self.assertIn(word, "\n".join(problems_of(content)))

    def test_in_the_spec(self) -> None:
        self.assert_found(self.changed("spec", "entryPoint", to="fit"), "entryPoint")

    def test_in_the_other_spelling_that_the_models_accept(self) -> None:
        content = self.changed("spec", "service_account_name", to="norgay-trial")
        self.assert_found(content, "service_account_name")

    def test_in_a_task(self) -> None:
        tasks = template("moulding-trial")["templates"][0]["dag"]["tasks"]
        self.assertIn("dependencies", tasks[1])
        path = ("spec", "templates", 0, "dag", "tasks", 1, "dependancies")
        self.assert_found(self.changed(*path, to=["copy"]), "dependancies")

    def test_in_a_container(self) -> None:
        path = ("spec", "templates", 2, "container", "securityContext", "readOnlyRootFileSystem")
        self.assert_found(self.changed(*path, to=True), "readOnlyRootFileSystem")

    def test_of_a_wrong_type(self) -> None:
        self.assert_found(self.changed("spec", "templates", to="fit"), "templates")

    def test_in_an_object_of_kubernetes(self) -> None:
        account = next(m.content for m in manifests() if m.kind == "ServiceAccount")
        misspelt = account | {"automountServiceAccountTokens": False}
        self.assert_found(misspelt, "automountServiceAccountTokens")
