"""What `argocd/` holds for given settings: limits, protection, and one spelling of each name."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

import pytest
import yaml
from delivery.argocd.files import argocd_files, differences
from delivery.errors import UsageError
from delivery.settings import Settings

FIRST, LAST = "dev", "prod"
PARTS = ("project", "applicationset", "namespace")
WINDOW = {"kind": "allow", "schedule": "0 8 * * mon-fri", "duration": "10h"}


def settings(*names: str, **of_last: Any) -> Settings:
    """Return settings with environments of these names; the last has more to say."""
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "cluster": f"https://{name}.example.com",
            "namespace": f"acme-{name}",
            "kubernetes": "1.36",
        }
        for name in names or (FIRST, LAST)
    ]
    top = {"kinds": of_last.pop("kinds", [])}
    rows[-1] |= of_last
    return Settings.model_validate(
        {
            "schema": 1,
            "project": "acme",
            "package": "acme",
            "repository": "https://git.example.com/acme.git",
            "registry": "registry.example.com/acme",
            "mlflow": "sqlite:///mlflow.db",
            "renderer": {"kustomize": "5.8.1", "helm": "3.22.0"},
            "environments": rows,
            **top,
        }
    )


def load(made: Settings, path: str) -> Any:
    """Return the last document of a file."""
    return list(yaml.safe_load_all(argocd_files(made)[f"argocd/{path}.yaml"]))[-1]


def test_project_allows_one_repository_one_place_and_listed_kinds() -> None:
    spec = load(settings(), "prod/project")["spec"]
    assert spec["sourceRepos"] == ["https://git.example.com/acme.git"]
    place = {"server": "https://prod.example.com", "namespace": "acme-prod"}
    assert spec["destinations"] == [place]
    assert "clusterResourceWhitelist" not in spec  # none is allowed
    kinds = {(row["group"], row["kind"]) for row in spec["namespaceResourceWhitelist"]}
    assert ("apps", "Deployment") in kinds
    assert not kinds & {("", "Secret"), ("rbac.authorization.k8s.io", "Role"), ("*", "*")}


def test_project_takes_more_kinds_from_settings() -> None:
    made = settings(kinds=["Ingress.networking.k8s.io"])
    rows = load(made, "dev/project")["spec"]["namespaceResourceWhitelist"]
    assert {"group": "networking.k8s.io", "kind": "Ingress"} in rows


@pytest.mark.parametrize(
    "kind", ["Secret", "ClusterRole.rbac.authorization.k8s.io", "Namespace", "Pod"]
)
def test_kind_that_no_app_may_bring_is_refused(kind: str) -> None:
    with pytest.raises(UsageError, match=kind):
        argocd_files(settings(kinds=[kind]))


def test_roles_are_bound_to_their_project() -> None:
    roles = load(settings(operators=["acme:sre"]), "prod/project")["spec"]["roles"]
    policies = {role["name"]: role["policies"] for role in roles}
    assert policies["reader"] == ["p, proj:acme-prod:reader, applications, get, acme-prod/*, allow"]
    actions = [policy.split(", ")[3] for policy in policies["operator"]]
    assert actions == ["get", "sync"]
    assert {role["name"]: role.get("groups") for role in roles} == {
        "reader": None,
        "operator": ["acme:sre"],
    }


@pytest.mark.parametrize("manual", [False, True])
def test_window_is_for_all_applications_and_lets_a_sync_end(manual: bool) -> None:
    made = settings(windows=[{**WINDOW, "timezone": "Europe/Berlin", "manual": manual}])
    (window,) = load(made, "prod/project")["spec"]["syncWindows"]
    assert window["applications"] == ["*"]
    assert (window["timeZone"], window["syncOverrun"]) == ("Europe/Berlin", True)
    assert window.get("manualSync", False) is manual
    assert "syncWindows" not in load(made, "dev/project")["spec"]


def test_applications_follow_current_yaml_and_tolerate_no_missing_key() -> None:
    spec = load(settings(), "prod/applicationset")["spec"]
    assert spec["generators"][0]["git"]["files"] == [{"path": "releases/prod/*/current.yaml"}]
    assert spec["goTemplateOptions"] == ["missingkey=error"]
    template = spec["template"]
    assert template["metadata"]["name"] == "acme-prod-{{.path.basename}}"
    assert template["spec"]["source"]["path"] == "releases/prod/{{.path.basename}}/manifests"
    shown = {row["name"]: row["value"] for row in template["spec"]["info"]}
    assert shown["model"] == "{{.model}}"
    assert shown["record"] == "{{.environment}}/{{.record}} ({{.kind}})"


def test_each_record_gives_another_source() -> None:
    source = load(settings(), "prod/applicationset")["spec"]["template"]["spec"]["source"]
    assert source["name"] == "{{.record}}"


def attempts(made: Settings, name: str) -> int:
    """Return how often an environment's syncs are tried again; -1: until they work."""
    template = load(made, f"{name}/applicationset")["spec"]["template"]
    limit: int = template["spec"]["syncPolicy"]["retry"]["limit"]
    return limit


def test_attempts_end_where_a_window_closes() -> None:
    assert attempts(settings(), "prod") == -1
    assert attempts(settings(windows=[WINDOW]), "prod") > 0


def protected(made: Settings, name: str) -> bool:
    """Return whether what vanishes from Git stays on an environment's cluster."""
    one = load(made, f"{name}/applicationset")
    policy = {"applicationsSync": "create-update", "preserveResourcesOnDeletion": True}
    keeps: bool = one["spec"].get("syncPolicy") == policy
    assert keeps == ("finalizers" in one["metadata"])
    assert keeps == (
        attempts(made, name) == -1
    )  # an Application with attempts left is never deleted
    return keeps


def test_what_vanishes_goes_from_the_first_of_several_environments_alone() -> None:
    made = settings("dev", "staging", "prod")
    assert [protected(made, name) for name in made.names] == [False, True, True]
    assert protected(settings("prod"), "prod")


def test_namespace_is_restricted_closed_and_never_deleted() -> None:
    made = settings()
    metadata = load(made, "prod/namespace/namespace")["metadata"]
    assert metadata["name"] == "acme-prod"
    for mode in ("enforce", "audit", "warn"):
        assert metadata["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert metadata["labels"][f"pod-security.kubernetes.io/{mode}-version"] == "v1.36"
    options = metadata["annotations"]["argocd.argoproj.io/sync-options"]
    assert set(options.split(",")) == {"Delete=false", "Prune=false"}
    policy = load(made, "prod/namespace/default-deny")["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_namespace_application_prunes_nothing() -> None:
    spec = load(settings(), "prod/namespace")["spec"]
    assert spec["syncPolicy"]["automated"] == {"prune": False, "selfHeal": True}
    assert spec["project"] == "acme-root"
    assert spec["source"]["path"] == "argocd/prod/namespace"


def test_quota_and_pull_secret_are_there_where_settings_name_them() -> None:
    made = settings(quota={"cpu": "4", "memory": "8Gi", "pods": 20}, secrets={"store": "vault"})
    hard = load(made, "prod/namespace/quota")["spec"]["hard"]
    assert hard == {"requests.cpu": "4", "requests.memory": "8Gi", "pods": "20"}
    spec = load(made, "prod/namespace/registry")["spec"]
    assert spec["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}
    assert spec["target"]["template"]["type"] == "kubernetes.io/dockerconfigjson"
    assert spec["data"][0]["remoteRef"]["key"] == "acme-prod-registry"
    found = argocd_files(made)
    assert "argocd/dev/namespace/quota.yaml" not in found
    assert "argocd/dev/namespace/registry.yaml" not in found


def read_by_root(made: Settings, root: str) -> set[str]:
    """Return the files that a root Application applies, as Argo CD matches them.

    An asterisk stands for slashes too; fnmatch knows no braces.
    """
    directory = load(made, root)["spec"]["source"]["directory"]
    include = directory.get("include", "{*}")[1:-1].split(",")
    paths = [path.removeprefix("argocd/") for path in argocd_files(made)]
    wanted = {path for path in paths if any(fnmatch(path, pattern) for pattern in include)}
    return {path for path in wanted if not fnmatch(path, directory["exclude"])}


def test_root_applies_itself_and_each_environment_but_no_namespace() -> None:
    own = {f"{env}/{part}.yaml" for env in (FIRST, LAST) for part in PARTS}
    assert read_by_root(settings(), "root") == {"root.yaml", *own}


def test_environments_with_an_argocd_of_their_own_have_a_root_of_their_own() -> None:
    made = settings("dev", "staging", "prod", argocd="eu")
    assert read_by_root(made, "root-eu") == {"root-eu.yaml", *(f"prod/{p}.yaml" for p in PARTS)}
    others = {f"{env}/{part}.yaml" for env in ("dev", "staging") for part in PARTS}
    assert read_by_root(made, "root") == {"root.yaml", *others}


def test_root_project_allows_namespaces_by_name_and_nothing_else_of_the_cluster() -> None:
    text = argocd_files(settings())["argocd/root.yaml"]
    project = next(iter(yaml.safe_load_all(text)))["spec"]
    assert project["clusterResourceWhitelist"] == [
        {"group": "", "kind": "Namespace", "name": name} for name in ("acme-dev", "acme-prod")
    ]
    places = [row["namespace"] for row in project["destinations"]]
    assert places == ["argocd", "acme-dev", "acme-prod"]


def test_files_say_who_writes_them() -> None:
    for path, data in argocd_files(settings()).items():
        assert data.splitlines()[1] == b"# Written by `deliver argocd` from delivery.yaml.", path


def test_long_text_is_not_folded() -> None:
    group = "a group of many words " * 8 + "end"
    text = argocd_files(settings(operators=[group]))["argocd/prod/project.yaml"].decode()
    assert f'groups: ["{group}"]\n' in text


def test_differences_are_named_with_what_puts_them_right() -> None:
    found = argocd_files(settings())
    found["argocd/qa/project.yaml"] = b"old"
    found["argocd/root.yaml"] += b"# more\n"
    del found["argocd/dev/project.yaml"]
    assert [(one.path, one.how, one.action) for one in differences(settings(), found)] == [
        ("argocd/dev/project.yaml", "is missing", "written"),
        ("argocd/qa/project.yaml", "is one file too many", "removed"),
        ("argocd/root.yaml", "differs", "written"),
    ]


@pytest.mark.parametrize(
    "names", [("dev", "dev"), ("dev", "dev-eu"), ("root",), ("a" * 21,), ("Dev",)]
)
def test_environments_whose_names_could_be_confused_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="environments"):
        settings(*names)


@pytest.mark.parametrize(
    "more",
    [
        {"namespace": "acme-dev", "cluster": "https://dev.example.com"},
        {"namespace": "argocd"},
        {"namespace": "kube-system"},
        {"windows": [{**WINDOW, "duration": "90"}]},
        {"windows": [{**WINDOW, "kind": "maybe"}]},
        {"windows": ["mon-fri"]},
        {"quota": {"cpu": "4"}},
        {"quota": {"cpu": "4", "memory": "8", "pods": 1}},
        {"secrets": {"store": "vault", "kind": "Vault"}},
        {"operators": ['a"b']},
    ],
)
def test_environment_that_argocd_would_misread_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="environments"):
        settings(**more)
