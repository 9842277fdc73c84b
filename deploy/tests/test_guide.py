"""The guide speaks of what is there."""

import re
import unittest

import yaml

from tests.manifests import REPOSITORY, inner_template, of_kind, template
from tests.schemas import study_problems

GUIDE = REPOSITORY / "docs" / "guide" / "argo.md"


class Guide(unittest.TestCase):
    def setUp(self) -> None:
        self.text = GUIDE.read_text("utf-8")

    def test_links_to_files_that_exist(self) -> None:
        links = re.findall(r"\]\((?!https:)([^)]+)\)", self.text)
        self.assertTrue(links)
        for link in links:
            self.assertTrue((GUIDE.parent / link).exists(), link)

    def test_names_paths_that_exist(self) -> None:
        paths = re.findall(r"\bdeploy/[\w./-]*\w", self.text)
        self.assertTrue(paths)
        for path in paths:
            self.assertTrue((REPOSITORY / path).exists(), path)

    def test_shows_a_study_that_norgay_takes(self) -> None:
        blocks = re.findall(r"```yaml\n(.*?)```", self.text, re.DOTALL)
        [block] = [block for block in blocks if "argo:" in block]
        study = yaml.safe_load(block)
        self.assertEqual(study_problems(study), [])
        self.assertTrue(inner_template(study["argo"]["template"], study["argo"]["entrypoint"]))

    def test_lists_the_rights_that_the_roles_give(self) -> None:
        for role in of_kind("Role", "ClusterRole"):
            for rule in role.content["rules"]:
                resources, verbs = (", ".join(rule[part]) for part in ("resources", "verbs"))
                self.assertRegex(self.text, rf"\| {re.escape(resources)} \| {re.escape(verbs)}\b")

    def test_explains_each_parameter_that_norgay_sends_if_it_is_declared(self) -> None:
        for parameter in template("moulding-trial")["arguments"]["parameters"]:
            if parameter["name"].startswith("norgay_"):
                self.assertIn(f"`{parameter['name']}`", self.text)
