"""Kustomize renders what is meant, and the recipes and scripts are sound."""

import copy
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import yaml

from tests.manifests import DEPLOY, Object, inner_template, template
from tests.schemas import problems_of

PROGRAMS = Path(sys.executable).parent


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@unittest.skipUnless(shutil.which("kubectl"), "kubectl is not installed")
class Rendered(unittest.TestCase):
    def render(self, folder: Path) -> list[Object]:
        done = run("kubectl", "kustomize", folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return list(yaml.safe_load_all(done.stdout))

    def rendered(self, folder: str) -> dict[tuple[str, str], Object]:
        return {(o["kind"], o["metadata"]["name"]): o for o in self.render(DEPLOY / folder)}

    def test_all_objects_still_keep_to_their_schemas(self) -> None:
        for folder in ("base", "overlays/kubernetes", "overlays/argo-server"):
            with self.subTest(folder):
                objects = self.rendered(folder)
                self.assertIn(("WorkflowTemplate", "moulding-trial"), objects)
                self.assertFalse({kind for kind, _ in objects} & {"Secret", "Namespace"})
                for content in objects.values():
                    self.assertEqual(problems_of(content), [])

    def test_the_direct_route_is_the_base_with_another_default(self) -> None:
        spec = self.rendered("overlays/kubernetes")["WorkflowTemplate", "sherpa"]["spec"]
        wanted = copy.deepcopy(template("sherpa"))
        for parameter in wanted["arguments"]["parameters"]:
            if parameter["name"] == "argo_route":
                parameter["value"] = "kubernetes"
        self.assertEqual(spec, wanted)

    def test_the_way_through_the_server_has_the_authority_where_norgay_looks_for_it(self) -> None:
        objects = self.rendered("overlays/argo-server")
        study = yaml.safe_load(objects["ConfigMap", "norgay-study"]["data"]["study.yaml"])
        for name in ("sherpa", "norgay"):
            inner = objects["WorkflowTemplate", name]["spec"]["templates"][0]
            [volume] = [v for v in inner["volumes"] if v["name"] == "argo-server-ca"]
            self.assertEqual(volume["configMap"]["name"], "argo-server-ca")
            mounts = {m["name"]: m["mountPath"] for m in inner["container"]["volumeMounts"]}
            self.assertEqual(study["argo"]["ca_file"], mounts["argo-server-ca"] + "/ca.crt")
        spec = objects["WorkflowTemplate", "sherpa"]["spec"]
        arguments = spec["templates"][0]["container"]["args"]
        self.assertIn(f"--argo_ca_file={study['argo']['ca_file']}", arguments)

    def test_cluster_templates_are_allowed_to_the_account_in_the_namespace_in_use(self) -> None:
        # Kustomize takes only paths relative to the file.
        with tempfile.TemporaryDirectory(dir=DEPLOY) as folder:
            Path(folder, "kustomization.yaml").write_text(
                "namespace: hpo\nresources: [../overlays/kubernetes]\n"
                "components: [../components/cluster-templates]\n",
                encoding="utf-8",
            )
            objects = {(o["kind"], o["metadata"]["name"]): o for o in self.render(Path(folder))}
        binding = objects["ClusterRoleBinding", "norgay-cluster-templates"]
        self.assertEqual([s["namespace"] for s in binding["subjects"]], ["hpo"])


class Recipes(unittest.TestCase):
    def test_pass_hadolint(self) -> None:
        files = sorted((DEPLOY / "image").glob("*Containerfile"))
        self.assertEqual(len(files), 2)
        done = run(PROGRAMS / "hadolint", *files)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_end_as_the_user_that_the_pods_run_as(self) -> None:
        for file in (DEPLOY / "image").glob("*Containerfile"):
            lines = file.read_text("utf-8").splitlines()
            users = [line for line in lines if line.startswith("USER")]
            for name in ("sherpa", "norgay", "moulding-trial"):
                context = template(name)["securityContext"]
                self.assertEqual(users[-1], f"USER {context['runAsUser']}:{context['runAsGroup']}")


class Scripts(unittest.TestCase):
    def test_pass_shellcheck(self) -> None:
        done = run(PROGRAMS / "shellcheck", DEPLOY / "e2e-kind.sh")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_in_templates_pass_shellcheck(self) -> None:
        step = inner_template("moulding-trial", "step")["container"]
        with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:
            file.write(step["args"][0])
            file.flush()
            done = run(PROGRAMS / "shellcheck", "--shell=sh", "--exclude=SC2154", file.name)
        self.assertEqual(done.returncode, 0, done.stdout)
