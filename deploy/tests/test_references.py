"""What one part names, another part has."""

import json
import re
import unittest
from collections.abc import Iterator

from tests.manifests import (
    DEPLOY,
    KUSTOMIZATION,
    REPOSITORY,
    STUDY,
    Manifest,
    Object,
    inner_template,
    kustomizations,
    manifests,
    of_kind,
    read,
    references,
    template,
    templates,
)
from tests.schemas import study_problems

ENGINE = REPOSITORY / "crates" / "norgay-engine" / "src" / "config"
REFERENCE_FLAGS = """
    run_name input_path output_path default_parameter hpo_parameter algorithm algo_parameter
    objective filename_objective lower_is_better workflowtemplate entrypoint max_concurrent
    resubmit_failed_trials verbose storage_strategy argo_ip argo_port k8_namespace
""".split()
# Known by Argo, whatever a template declares.
GLOBAL = {"workflow.name", "workflow.namespace", "workflow.uid"}


def declared(arguments: Object) -> dict[str, bool]:
    """Parameters that are declared somewhere, and whether each has a value."""
    return {p["name"]: "value" in p or "default" in p for p in arguments.get("parameters", [])}


def inner_templates() -> Iterator[tuple[Manifest, Object]]:
    """Each template inside a workflow template."""
    for manifest in templates():
        for inner in manifest.content["spec"]["templates"]:
            yield manifest, inner


class Kustomizations(unittest.TestCase):
    def test_name_files_that_exist(self) -> None:
        self.assertTrue(kustomizations())
        for path in kustomizations():
            content = read(path)
            for name in content.get("resources", []) + content.get("components", []):
                found = path.parent / name
                if found.is_dir():
                    found /= KUSTOMIZATION
                self.assertTrue(found.is_file(), f"{path}: {name}")

    def test_name_every_file_beside_them(self) -> None:
        for path in kustomizations():
            content = read(path)
            named = set(content.get("resources", []))
            for generator in content.get("configMapGenerator", []):
                named |= set(generator["files"])
            beside = {file.name for file in path.parent.glob("*.yaml")} - {KUSTOMIZATION}
            self.assertEqual(beside, {name for name in named if name.endswith(".yaml")}, path)

    def test_cover_every_object_but_the_examples(self) -> None:
        covered = {path.parent for path in kustomizations()} | {DEPLOY / "examples"}
        for manifest in manifests():
            self.assertIn(manifest.path.parent, covered)


class Templates(unittest.TestCase):
    def test_start_with_a_template_that_they_have(self) -> None:
        for manifest in templates():
            spec = manifest.content["spec"]
            self.assertIn(spec["entrypoint"], [inner["name"] for inner in spec["templates"]])

    def test_name_parameters_that_are_declared(self) -> None:
        for manifest, inner in inner_templates():
            with self.subTest(f"{manifest} {inner['name']}"):
                workflow = declared(manifest.content["spec"]["arguments"])
                known = {f"workflow.parameters.{name}" for name in workflow}
                known |= {f"inputs.parameters.{name}" for name in declared(inner.get("inputs", {}))}
                self.assertLessEqual(references(inner), known | GLOBAL)

    def test_use_every_parameter_that_they_declare(self) -> None:
        sent_for_norgay = {"WorkflowTemplateContinue", "EntrypointContinue"}
        for manifest in templates():
            used = references(manifest.content["spec"]["templates"])
            names = declared(manifest.content["spec"]["arguments"]).keys() - sent_for_norgay
            self.assertLessEqual({f"workflow.parameters.{name}" for name in names}, used, manifest)
        for manifest, inner in inner_templates():
            used = references(inner)
            names = {f"inputs.parameters.{name}" for name in declared(inner.get("inputs", {}))}
            self.assertLessEqual(names, used, f"{manifest} {inner['name']}")

    def test_call_templates_that_exist_with_all_that_they_need(self) -> None:
        for manifest, inner in inner_templates():
            callable_ = {t["name"]: t for t in manifest.content["spec"]["templates"]}
            for task in inner.get("dag", {}).get("tasks", []):
                with self.subTest(f"{manifest} {inner['name']} {task['name']}"):
                    self.assertIn(task["template"], callable_)
                    takes = declared(callable_[task["template"]]["inputs"])
                    given = declared(task["arguments"])
                    self.assertLessEqual(given.keys(), takes.keys())
                    needed = {name for name, has_value in takes.items() if not has_value}
                    self.assertLessEqual(needed, given.keys())

    def test_have_tasks_that_wait_for_earlier_tasks(self) -> None:
        for manifest, inner in inner_templates():
            earlier: set[str] = set()
            for task in inner.get("dag", {}).get("tasks", []):
                self.assertLessEqual(set(task.get("dependencies", [])), earlier, manifest)
                self.assertNotIn(task["name"], earlier, manifest)
                earlier.add(task["name"])

    def test_mount_volumes_that_exist(self) -> None:
        claims = {claim.name for claim in of_kind("PersistentVolumeClaim")}
        for manifest, inner in inner_templates():
            volumes = {volume["name"]: volume for volume in inner.get("volumes", [])}
            mounts = inner.get("container", {}).get("volumeMounts", [])
            self.assertEqual({mount["name"] for mount in mounts}, volumes.keys(), manifest)
            for volume in volumes.values():
                if claim := volume.get("persistentVolumeClaim"):
                    self.assertIn(claim["claimName"], claims)


class TrialTemplate(unittest.TestCase):
    def flow(self, entrypoint: str) -> list[dict[str, str]]:
        """The parameters of each task, in order."""
        inner = inner_template("moulding-trial", entrypoint)
        return [
            {"task": task["name"]}
            | {p["name"]: p["value"] for p in task["arguments"]["parameters"]}
            for task in inner["dag"]["tasks"]
        ]

    def test_gets_only_files_that_an_earlier_step_left(self) -> None:
        for entrypoint in ("copy-scale-fit-evaluate", "continue-training"):
            left: set[str] = set()
            for step in self.flow(entrypoint):
                self.assertLessEqual(set(step.get("from_trial", "").split()), left, step["task"])
                left |= set(step.get("to_trial", "").split())

    def test_leaves_what_a_child_goes_on_from_in_both_ways(self) -> None:
        [wanted] = [set(step["from_parent"].split()) for step in self.flow("continue-training")
                    if "from_parent" in step]
        for entrypoint in ("copy-scale-fit-evaluate", "continue-training"):
            left = {name for step in self.flow(entrypoint) for name in step["to_trial"].split()}
            self.assertLessEqual(wanted, left)

    def test_leaves_the_metrics_last(self) -> None:
        for entrypoint in ("copy-scale-fit-evaluate", "continue-training"):
            last = self.flow(entrypoint)[-1]
            self.assertEqual(last["to_trial"], "{{workflow.parameters.model_name}}_metrics.json")

    def test_tells_intermediate_values_from_one_step_only(self) -> None:
        for entrypoint in ("copy-scale-fit-evaluate", "continue-training"):
            telling = [s["task"] for s in self.flow(entrypoint) if "metrics_path" in s]
            self.assertEqual(telling, ["fit"])

    def test_can_do_without_all_but_what_norgay_always_sends(self) -> None:
        parameters = declared(template("moulding-trial")["arguments"])
        needed = {name for name, has_value in parameters.items() if not has_value}
        self.assertEqual(needed, {"run_name", "input_path", "output_path"})


class Examples(unittest.TestCase):
    def test_start_templates_that_exist_with_what_they_need(self) -> None:
        self.assertEqual(len(of_kind("Workflow")), 2)
        for manifest in of_kind("Workflow"):
            with self.subTest(str(manifest)):
                spec = manifest.content["spec"]
                takes = declared(template(spec["workflowTemplateRef"]["name"])["arguments"])
                given = declared(spec.get("arguments", {}))
                self.assertLessEqual(given.keys(), takes.keys())
                needed = {name for name, has_value in takes.items() if not has_value}
                self.assertLessEqual(needed, given.keys())

    def test_name_an_entrypoint_that_exists(self) -> None:
        [workflow] = [m.content for m in of_kind("Workflow") if "arguments" in m.content["spec"]]
        sent = {p["name"]: p["value"] for p in workflow["spec"]["arguments"]["parameters"]}
        self.assertTrue(inner_template(sent["workflowtemplate"], sent["entrypoint"]))
        self.assertIn("batch_size", json.loads(sent["hpo_parameter"]))
        self.assertFalse([value for value in sent.values() if "{{" in value])


class OptimizerFlags(unittest.TestCase):
    def flags(self) -> dict[str, str]:
        """What `sherpa` calls norgay with."""
        [inner] = template("sherpa")["templates"]
        program, *arguments = inner["container"]["args"]
        self.assertEqual(program, "run")
        pairs = [argument.split("=", 1) for argument in arguments]
        return {name.removeprefix("--"): value for name, value in pairs}

    def test_are_flags_of_norgay(self) -> None:
        table = (ENGINE / "flag_table.rs").read_text("utf-8")
        known = set(re.findall(r'"([a-z0-9_]+)",?\s', table))
        self.assertIn("run_name", known)
        self.assertLessEqual(self.flags().keys(), known)

    def test_are_all_those_of_the_reference_each_from_its_own_parameter(self) -> None:
        flags = self.flags()
        for name in REFERENCE_FLAGS:
            self.assertEqual(flags[name], f"{{{{workflow.parameters.{name}}}}}")

    def test_have_the_defaults_of_norgay(self) -> None:
        declarations = template("sherpa")["arguments"]["parameters"]
        parameters = {p["name"]: p.get("value") for p in declarations}
        table = (ENGINE / "flag_table.rs").read_text("utf-8")
        for name in ("lower_is_better", "max_concurrent", "resubmit_failed_trials", "verbose"):
            [default] = re.findall(rf'"{name}",.*?\.or\("(.*?)"\)', table, re.DOTALL)[:1]
            self.assertEqual(parameters[name], default)
        self.assertEqual(parameters["storage_strategy"], "keep")

    def test_are_asked_for_where_there_is_no_default(self) -> None:
        parameters = declared(template("sherpa")["arguments"])
        needed = {name for name, has_value in parameters.items() if not has_value}
        self.assertEqual(needed, set("""
            run_name input_path output_path default_parameter hpo_parameter algorithm
            algo_parameter objective filename_objective workflowtemplate entrypoint
        """.split()))

    def test_keep_the_database_on_the_volume_that_stays(self) -> None:
        for name in ("sherpa", "norgay"):
            [inner] = template(name)["templates"]
            mounts = {m["name"]: m["mountPath"] for m in inner["container"]["volumeMounts"]}
            self.assertEqual(mounts["state"], "/state")
            self.assertIn("--storage=/state/norgay.db", inner["container"]["args"])

    def test_hold_for_as_long_as_the_study_takes(self) -> None:
        for name in ("sherpa", "norgay"):
            spec = template(name)
            self.assertNotIn("activeDeadlineSeconds", spec)
            self.assertNotIn("activeDeadlineSeconds", spec["templates"][0])
            self.assertEqual(spec["templates"][0]["retryStrategy"]["retryPolicy"], "Always")


class Studies(unittest.TestCase):
    def test_are_what_norgay_takes(self) -> None:
        for path in sorted(DEPLOY.rglob(STUDY)):
            with self.subTest(str(path.relative_to(DEPLOY))):
                self.assertEqual(study_problems(read(path)), [])

    def test_send_what_the_template_declares(self) -> None:
        for path in sorted(DEPLOY.rglob(STUDY)):
            study = read(path)
            sent = set(re.findall(r'^  "(\w+)":', study["parameter_text"], re.MULTILINE))
            self.assertIn("optimizer_config", sent)
            takes = declared(template(study["argo"]["template"])["arguments"])
            self.assertLessEqual(sent, takes.keys())
            used = set(re.findall(r"tp\['(\w+)'\]", study["parameter_text"]))
            self.assertEqual(used, study["parameters"].keys())

    def test_name_a_template_and_an_account_that_exist(self) -> None:
        for path in sorted(DEPLOY.rglob(STUDY)):
            argo = read(path)["argo"]
            entrypoints = [inner["name"] for inner in template(argo["template"])["templates"]]
            self.assertIn(argo["entrypoint"], entrypoints)
            self.assertIn(argo["service_account"], {a.name for a in of_kind("ServiceAccount")})
