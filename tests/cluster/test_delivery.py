"""A freshly baked repository on a real cluster: the way of releases, and what goes wrong on it.

The tests are one story and run in order: each begins with what the one before it left.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from delivery.canonical import sha256, short
from delivery.models.environment import FOLDER as ENVIRONMENTS_OF_APPS

from demo.folder import SLUG
from tests.cluster.team import ENVIRONMENTS, HELM_APP, KUSTOMIZE_APP, Team, give_token

APPS = (KUSTOMIZE_APP, HELM_APP)
ROWS = 8
NOWHERE = "http://127.0.0.1:9"
"""No server listens on the discard port."""

pytestmark = pytest.mark.cluster

SCIKIT_LEARN = """
import json, sys
import numpy as np
from skops.io import load
estimator = load(sys.argv[1])
rows = np.array(json.load(sys.stdin))
if hasattr(estimator, "predict_proba"):
    answers = estimator.predict_proba(rows)[:, 1]
else:
    answers = estimator.predict(rows)
print(json.dumps(answers.tolist()))
"""


def test_bootstrap_without_a_release_is_valid_and_has_nothing_to_sync(bootstrapped: Team) -> None:
    team = bootstrapped
    for environment in ENVIRONMENTS:
        labels = team.get("namespace", team.namespace(environment))["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    found = team.get("applications", "--namespace", "argocd")["items"]
    ours = {one["metadata"]["name"] for one in found if one["metadata"]["name"].startswith(SLUG)}
    names = ("root", *(f"{environment}-namespace" for environment in ENVIRONMENTS))
    assert ours == {f"{SLUG}-{name}" for name in names}
    team.deliver("status", "--live")
    team.deliver("check")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("app", APPS)
def test_release_runs_and_answers_as_scikit_learn(
    delivered: Team, app: str, environment: str
) -> None:
    team = delivered
    assert team.running(app, environment) == {team.digest(app, environment)}
    assert team.alias(app, environment) == "1"
    rows = holdout_rows(team, app)
    answer = team.ask(app, environment, request(team, app, rows))
    assert answer["outputs"][0]["data"] == pytest.approx(scikit_learn(team, app, rows), rel=1e-6)
    assert answer["parameters"]["release"] == team.current(app, environment)["release"]
    assert {pod["status"]["qosClass"] for pod in team.pods(app, environment)} == {"Guaranteed"}


def test_argo_cd_shows_model_run_and_release(delivered: Team) -> None:
    team = delivered
    current = team.current(KUSTOMIZE_APP, "prod")
    shown = team.application(KUSTOMIZE_APP, "prod")["spec"]["info"]
    values = {row["value"] for row in shown}
    assert {current["release"], current["run"], current["model"]} <= values


def test_drift_names_an_alias_that_is_gone_and_confirm_mends_it(delivered: Team) -> None:
    team = delivered
    assert "agrees" in team.deliver("drift")
    team.mlflow("client.delete_registered_model_alias(sys.argv[2], sys.argv[3])", HELM_APP, "prod")
    assert "alias-missing" in team.deliver("drift", expect=1)
    team.confirm(HELM_APP, "prod")
    team.deliver("drift")


def test_rollback_works_while_mlflow_is_down(delivered: Team) -> None:
    team = delivered
    app = HELM_APP
    team.change(overlay("prod", app, "replicas: 2\n"), "Two replicas in prod")
    team.configure(app, "prod")
    team.confirm(app, "prod")
    why = ("--env", "prod", "--to", "1", "--reason", "two are too few")
    team.merge(team.deliver("rollback", app, *why, MLFLOW_TRACKING_URI=NOWHERE))
    out = team.confirm(app, "prod", expect=3, MLFLOW_TRACKING_URI=NOWHERE)
    assert "mlflow-unreachable" in out
    assert team.healthy(app, "prod")
    assert len(team.pods(app, "prod")) == 3
    assert "confirmed" in team.confirm(app, "prod")
    team.merge(team.deliver("resume", app, "--env", "prod", "--reason", "all is well"))


def test_autoscaler_keeps_its_minimum_of_pods(delivered: Team) -> None:
    team, app = delivered, HELM_APP
    sound = (team.root / f"overlays/dev/{app}/values.yaml").read_text()
    team.change(overlay("dev", app, "autoscaling: {min: 2, max: 3}\n"), "Scale it in dev")
    team.configure(app, "dev")
    team.confirm(app, "dev")
    team.until(lambda: len(team.pods(app, "dev")) == 2)
    assert team.healthy(app, "dev")
    team.change(overlay("dev", app, sound), "Count it in dev")
    team.configure(app, "dev")
    team.confirm(app, "dev")


def test_change_by_hand_is_undone(delivered: Team) -> None:
    team = delivered
    where = ("--namespace", team.namespace("prod"))
    team.cluster.kubectl("set", "env", f"deployment/{HELM_APP}", "OMP_NUM_THREADS=7", *where)
    team.until(lambda: threads(team, HELM_APP, "prod") == "1")


def test_image_that_does_not_start_is_refused_and_old_pods_answer(delivered: Team) -> None:
    team = delivered
    app, environment = KUSTOMIZE_APP, "staging"
    before = team.running(app, environment)
    aliased = team.alias(app, environment)
    sound = kustomization(team, environment, app)
    team.change({path_of(environment, app): sound + BROKEN_START}, "Start it otherwise")
    team.configure(app, environment)
    out = team.confirm(app, environment, expect=1)
    assert "degraded" in out
    assert team.alias(app, environment) == aliased
    assert before <= team.running(app, environment)
    assert team.ask(app, environment, team.question(app)["request"])["outputs"]
    team.change({path_of(environment, app): sound}, "Start it as before")
    team.configure(app, environment)
    team.confirm(app, environment)


def test_wrong_answer_after_the_sync_fails_the_question(delivered: Team) -> None:
    team = delivered
    app, environment = KUSTOMIZE_APP, "staging"
    sound = kustomization(team, environment, app)
    team.change({path_of(environment, app): sound + OTHER_PODS}, "Serve from elsewhere")
    team.configure(app, environment)
    out = team.confirm(app, environment, expect=1)
    assert "question-failed" in out
    team.change({path_of(environment, app): sound}, "Serve from its own pods")
    team.configure(app, environment)
    team.confirm(app, environment)


def test_namespaces_refuse_what_is_not_restricted(delivered: Team) -> None:
    team = delivered
    namespace = team.namespace("prod")
    words = ("run", "root", "--image=busybox", "--privileged", "--namespace", namespace)
    with pytest.raises(Exception, match="violates PodSecurity"):
        team.cluster.kubectl(*words, "--dry-run=server")
    policies = team.get("networkpolicies", "--namespace", namespace)["items"]
    assert any(policy["spec"]["podSelector"] == {} for policy in policies)
    assert {policy["metadata"]["name"] for policy in policies} >= set(APPS)


def test_new_app_reaches_dev(delivered: Team) -> None:
    team = delivered
    team.deliver("app", "add", "power-use", "--style", "helm", "--task", "regression")
    team.commit("Add power-use")
    team.make("power-use")
    team.release("power-use", "first model")
    team.confirm("power-use", "dev")
    team.deliver("check")


def test_added_environment_is_delivered_to(delivered: Team) -> None:
    team = delivered
    settings = (team.root / "delivery.yaml").read_text()
    row = settings[settings.index("  - name: staging") : settings.index("  - name: prod")]
    added = row.replace("staging", "canary")
    team.place.shell("git", "switch", "--quiet", "--create", "canary", show=False)
    (team.root / "delivery.yaml").write_text(settings + added)
    team.deliver("argocd")
    team.deliver("owners")
    old = kustomization(team, "dev", KUSTOMIZE_APP)
    target = team.root / path_of("canary", KUSTOMIZE_APP)
    target.parent.mkdir(parents=True)
    target.write_text(old)
    team.git("switch", "--quiet", "main")
    team.git("branch", "--quiet", "-D", "canary")
    team.commit("Add the environment canary")
    team.deliver("bootstrap")
    give_token(team, "canary")
    team.promote(KUSTOMIZE_APP, "canary")
    team.confirm(KUSTOMIZE_APP, "canary")


def holdout_rows(team: Team, app: str) -> list[list[float]]:
    """Return the first rows of an app's hold-out, without their ids."""
    with (team.root / f"apps/{app}/holdout/features.csv").open() as file:
        lines = list(csv.reader(file))[1 : ROWS + 1]
    return [[float(value) for value in line[1:]] for line in lines]


def request(team: Team, app: str, rows: list[list[float]]) -> dict[str, Any]:
    """Return an Open Inference request of rows."""
    tensor = team.question(app)["request"]["inputs"][0]
    flat = [value for row in rows for value in row]
    return {"inputs": [{**tensor, "shape": [len(rows), len(rows[0])], "data": flat}]}


def scikit_learn(team: Team, app: str, rows: list[list[float]]) -> list[float]:
    """Return scikit-learn's own answers, in the app's environment, from what training logged."""
    run = team.current(app, "dev")["run"]
    (payload,) = (team.root / ".local/mlflow").rglob(f"{run}/**/model.skops")
    lock = (team.root / f"apps/{app}/requirements.lock").read_bytes()
    python = team.root / ENVIRONMENTS_OF_APPS / short(sha256(lock)) / "bin/python"
    rows_file = team.root / ".local/rows.json"
    rows_file.write_text(json.dumps(rows))
    line = f"{python} -c '{SCIKIT_LEARN}' {payload} < {rows_file}"
    answers: list[float] = json.loads(team.place.shell("sh", "-c", line, show=False))
    return answers


def threads(team: Team, app: str, environment: str) -> str:
    """Return a variable of an app's Deployment as the API server has it."""
    found = team.get("deployment", app, "--namespace", team.namespace(environment))
    variables = found["spec"]["template"]["spec"]["containers"][0]["env"]
    return str(next(one["value"] for one in variables if one["name"] == "OMP_NUM_THREADS"))


def path_of(environment: str, app: str) -> str:
    """Return the path of a Kustomize-style app's overlay."""
    return f"overlays/{environment}/{app}/kustomization.yaml"


def kustomization(team: Team, environment: str, app: str) -> str:
    """Return a Kustomize-style app's overlay."""
    return Path(team.root, path_of(environment, app)).read_text()


def overlay(environment: str, app: str, text: str) -> dict[str, str | None]:
    """Return the change of a Helm-style app's values in an environment."""
    return {f"overlays/{environment}/{app}/values.yaml": text}


BROKEN_START = """\
patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: tumour-classifier
      spec:
        progressDeadlineSeconds: 20
        template:
          spec:
            containers:
              - name: model-server
                args: [surf]
"""

OTHER_PODS = """\
patches:
  - patch: |
      apiVersion: v1
      kind: Service
      metadata:
        name: tumour-classifier
      spec:
        selector:
          app.kubernetes.io/name: progression-forecast
"""
