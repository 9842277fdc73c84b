"""Nothing may more than it has to."""

import re
import unittest
from collections.abc import Iterator

from tests.manifests import DEPLOY, Object, inner_template, of_kind, template, templates, values


def containers() -> Iterator[tuple[str, Object, Object]]:
    """Where each container is, its workflow's spec, and itself."""
    for manifest in templates():
        spec = manifest.content["spec"]
        for inner in spec["templates"]:
            for kind in ("container", "script", "initContainers", "sidecars", "containerSet"):
                found = inner.get(kind, [])
                for container in found if isinstance(found, list) else [found]:
                    yield f"{manifest} {inner['name']}", spec, container


def rules(kind: str, name: str) -> set[tuple[str, str, str]]:
    """What a role allows, as group, resource and verb."""
    [role] = [role for role in of_kind(kind) if role.name == name]
    return {
        (group, resource, verb)
        for rule in role.content["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


class Pods(unittest.TestCase):
    """They fit a namespace with the Pod Security level "restricted", and more."""

    def test_run_as_an_ordinary_user_under_the_default_seccomp_profile(self) -> None:
        for manifest in templates():
            with self.subTest(str(manifest)):
                context = manifest.content["spec"]["securityContext"]
                self.assertTrue(context["runAsNonRoot"])
                self.assertGreater(context["runAsUser"], 0)
                self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})

    def test_name_the_account_whose_token_they_get(self) -> None:
        for manifest in templates():
            with self.subTest(str(manifest)):
                accounts = {account.name for account in of_kind("ServiceAccount")}
                self.assertIn(manifest.content["spec"]["serviceAccountName"], accounts)

    def test_of_other_kinds_get_no_token_of_these_accounts(self) -> None:
        for account in of_kind("ServiceAccount"):
            self.assertIs(account.content["automountServiceAccountToken"], False, account)

    def test_do_not_share_anything_with_their_node(self) -> None:
        for manifest in templates():
            spec = manifest.content["spec"]
            self.assertFalse({"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), manifest)
            for inner in spec["templates"]:
                for volume in inner.get("volumes", []):
                    self.assertNotIn("hostPath", volume, manifest)


class Containers(unittest.TestCase):
    def test_can_not_gain_rights_or_write_to_their_image(self) -> None:
        self.assertEqual(len(list(containers())), 3)
        for place, _, container in containers():
            with self.subTest(place):
                wanted = {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                }
                self.assertEqual(container["securityContext"], wanted)

    def test_say_what_they_need_and_take_no_more(self) -> None:
        for place, _, container in containers():
            with self.subTest(place):
                for bound in ("requests", "limits"):
                    self.assertEqual(container["resources"][bound].keys(), {"cpu", "memory"})

    def test_can_write_to_a_temporary_folder(self) -> None:
        for place, _, container in containers():
            paths = {mount["mountPath"] for mount in container["volumeMounts"]}
            self.assertIn("/tmp", paths, place)

    def test_get_keys_from_secrets_only(self) -> None:
        for place, _, container in containers():
            for variable in container["env"]:
                if re.search("KEY|SECRET|TOKEN", variable["name"]):
                    self.assertIn("secretKeyRef", variable["valueFrom"], place)


class Scripts(unittest.TestCase):
    def test_hold_no_value_that_a_study_sends(self) -> None:
        """Values come in as variables: a value such as `; rm -rf .` stays a value."""
        step = inner_template("moulding-trial", "step")["container"]
        self.assertNotIn("{{", "".join(step["args"]))
        for manifest in templates():
            for inner in manifest.content["spec"]["templates"]:
                for task in inner.get("dag", {}).get("tasks", []):
                    for parameter in task["arguments"]["parameters"]:
                        if parameter["name"] == "command":
                            self.assertNotIn("{{", parameter["value"], task["name"])


class Roles(unittest.TestCase):
    def test_hold_no_wildcard(self) -> None:
        for role in of_kind("Role", "ClusterRole"):
            self.assertFalse({text for text in values(role.content["rules"]) if "*" in text}, role)

    def test_of_the_optimizer_is_what_it_does(self) -> None:
        workflows = ["create", "delete", "get", "list", "patch", "watch"]
        wanted = {("argoproj.io", "workflows", verb) for verb in workflows}
        wanted |= {("argoproj.io", "workflowtemplates", verb) for verb in ("get", "list")}
        # An argo-server in client mode follows the pods whose logs it is asked for, as the caller.
        reading = ("get", "list", "watch")
        wanted |= {("", pods, verb) for pods in ("pods", "pods/log") for verb in reading}
        self.assertEqual(rules("Role", "norgay-optimizer"), wanted)

    def test_of_a_trial_is_what_argo_does_in_its_pods(self) -> None:
        wanted = {("argoproj.io", "workflowtaskresults", verb) for verb in ("create", "patch")}
        self.assertEqual(rules("Role", "norgay-trial"), wanted)

    def test_for_the_whole_cluster_only_read_templates(self) -> None:
        wanted = {("argoproj.io", "clusterworkflowtemplates", verb) for verb in ("get", "list")}
        self.assertEqual(rules("ClusterRole", "norgay-cluster-templates"), wanted)

    def test_are_bound_to_accounts_that_exist(self) -> None:
        accounts = {account.name for account in of_kind("ServiceAccount")}
        roles = {(role.kind, role.name) for role in of_kind("Role", "ClusterRole")}
        for binding in of_kind("RoleBinding", "ClusterRoleBinding"):
            with self.subTest(str(binding)):
                reference = binding.content["roleRef"]
                self.assertIn((reference["kind"], reference["name"]), roles)
                subjects = {subject["name"] for subject in binding.content["subjects"]}
                self.assertLessEqual(subjects, accounts)


class Network(unittest.TestCase):
    def test_lets_nobody_connect_to_the_optimizer(self) -> None:
        [policy] = of_kind("NetworkPolicy")
        spec = policy.content["spec"]
        self.assertEqual(spec["ingress"], [])
        self.assertIn("Ingress", spec["policyTypes"])
        for name in ("sherpa", "norgay"):
            labels = template(name)["podMetadata"]["labels"]
            self.assertLessEqual(spec["podSelector"]["matchLabels"].items(), labels.items())
        trial = template("moulding-trial")["podMetadata"]["labels"]
        self.assertFalse(spec["podSelector"]["matchLabels"].items() <= trial.items())


class Secrets(unittest.TestCase):
    def test_are_not_in_the_repository(self) -> None:
        for secret in of_kind("Secret"):
            self.assertEqual(secret.path.parent, DEPLOY / "examples")
            self.assertNotIn("data", secret.content)
            for value in secret.content["stringData"].values():
                self.assertRegex(value, "^<.*>$")

    def test_have_the_keys_that_the_pods_ask_for(self) -> None:
        [secret] = of_kind("Secret")
        for place, _, container in containers():
            asked = [v["valueFrom"]["secretKeyRef"] for v in container["env"]
                     if "secretKeyRef" in v.get("valueFrom", {})]
            self.assertTrue(asked, place)
            for reference in asked:
                self.assertEqual(reference["name"], secret.name)
                self.assertIn(reference["key"], secret.content["stringData"])
