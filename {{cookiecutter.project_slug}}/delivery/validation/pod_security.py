"""Pod security `restricted`, control by control.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/ and, for what the page
leaves open, Kubernetes' own checks (k8s.io/pod-security-admission v0.36.0, `policy/`), whose test
data our tests run through these functions. Two relaxations are left out on purpose: those for
Windows pods and for `hostUsers: false`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .objects import KubernetesObject, Problem, containers, mapping, pod_specs

Spec = Mapping[str, Any]
Found = Iterator[tuple[str, str]]
"""Pairs of a field, relative to the pod specification, and what is wrong with it."""

VOLUME_TYPES = frozenset(
    (
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    )
)
SELINUX_TYPES = frozenset(
    ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
)
PROFILES = ("RuntimeDefault", "Localhost")
A_PROFILE = f"must be {' or '.join(PROFILES)}"
SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    )
)
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
HANDLERS = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("postStart", "preStop")


def pod_security(item: KubernetesObject) -> Iterator[Problem]:
    """Yield each control of `restricted` that a pod template in the object breaks."""
    for at, spec in pod_specs(item.data):
        for control in CONTROLS:
            for field, what in control(spec):
                yield _problem(item, f"{at}.{field}", what)
    for at, stated in _annotations(item.data):
        for key, value in stated.items():
            if key.startswith(APPARMOR_ANNOTATION) and not _apparmor(value):
                yield _problem(item, f"{at}.{key}", f"{value!r} switches AppArmor off")


def host_namespaces(spec: Spec) -> Found:
    """Yield shared host namespaces."""
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field, "must not be true"


def privileged(spec: Spec) -> Found:
    """Yield containers that run privileged, as a Windows host process, or may gain privileges."""
    if mapping(_context(spec).get("windowsOptions")).get("hostProcess"):
        yield "securityContext.windowsOptions.hostProcess", "must not be true"
    for at, context in _contexts(spec):
        if context.get("privileged"):
            yield f"{at}.privileged", "must not be true"
        if mapping(context.get("windowsOptions")).get("hostProcess"):
            yield f"{at}.windowsOptions.hostProcess", "must not be true"
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{at}.allowPrivilegeEscalation", "must be false"


def capabilities(spec: Spec) -> Found:
    """Yield containers that do not drop all capabilities, or add one but NET_BIND_SERVICE."""
    for at, context in _contexts(spec):
        stated = mapping(context.get("capabilities"))
        if "ALL" not in (stated.get("drop") or ()):
            yield f"{at}.capabilities.drop", "must hold ALL"
        if set(stated.get("add") or ()) - {"NET_BIND_SERVICE"}:
            yield f"{at}.capabilities.add", "may hold NET_BIND_SERVICE only"


def volumes(spec: Spec) -> Found:
    """Yield volumes of a type that reaches past the pod, hostPath among them."""
    for number, volume in enumerate(spec.get("volumes") or ()):
        for wrong in sorted(set(mapping(volume)) - {"name"} - VOLUME_TYPES):
            yield f"volumes[{number}].{wrong}", f"must be one of {', '.join(sorted(VOLUME_TYPES))}"


def host_ports(spec: Spec) -> Found:
    """Yield container ports that are opened on the node."""
    for at, container in containers(spec):
        for number, port in enumerate(container.get("ports") or ()):
            if mapping(port).get("hostPort"):
                yield f"{at}.ports[{number}].hostPort", "must not be set"


def hosts_in_handlers(spec: Spec) -> Found:
    """Yield probes and lifecycle hooks that name a host: the kubelet would call it."""
    for at, container in containers(spec):
        calls = {name: container.get(name) for name in HANDLERS}
        hooks = mapping(container.get("lifecycle"))
        calls |= {f"lifecycle.{name}": hooks.get(name) for name in HOOKS}
        for name, handler in calls.items():
            for action in ("httpGet", "tcpSocket"):
                if mapping(mapping(handler).get(action)).get("host"):
                    yield f"{at}.{name}.{action}.host", "must not be set"


def app_armor(spec: Spec) -> Found:
    """Yield AppArmor profiles that are switched off."""
    for at, context in _all_contexts(spec):
        profile = context.get("appArmorProfile")
        if profile is not None and mapping(profile).get("type") not in PROFILES:
            yield f"{at}.appArmorProfile.type", A_PROFILE


def selinux(spec: Spec) -> Found:
    """Yield SELinux users, roles, and types other than containers' own."""
    for at, context in _all_contexts(spec):
        options = mapping(context.get("seLinuxOptions"))
        if (options.get("type") or "") not in SELINUX_TYPES:
            yield f"{at}.seLinuxOptions.type", "must be a container type"
        for field in ("user", "role"):
            if options.get(field):
                yield f"{at}.seLinuxOptions.{field}", "must not be set"


def proc_mount(spec: Spec) -> Found:
    """Yield containers that see more of /proc than is usual."""
    for at, context in _contexts(spec):
        if context.get("procMount") not in (None, "Default"):
            yield f"{at}.procMount", "must be Default"


def seccomp(spec: Spec) -> Found:
    """Yield what runs without a seccomp profile, the pod's being valid for its containers."""
    pod = _context(spec).get("seccompProfile")
    if pod is not None and mapping(pod).get("type") not in PROFILES:
        yield "securityContext.seccompProfile.type", A_PROFILE
    for at, context in _contexts(spec):
        own = context.get("seccompProfile")
        if mapping(pod if own is None else own).get("type") not in PROFILES:
            yield f"{at}.seccompProfile.type", f"{A_PROFILE}, here or for the pod"


def sysctls(spec: Spec) -> Found:
    """Yield kernel settings outside of the safe ones."""
    for number, sysctl in enumerate(_context(spec).get("sysctls") or ()):
        if mapping(sysctl).get("name") not in SYSCTLS:
            yield f"securityContext.sysctls[{number}].name", "is none of the safe settings"


def non_root(spec: Spec) -> Found:
    """Yield what may run as root: runAsNonRoot must hold, and no user may be 0."""
    pod = _context(spec)
    if pod.get("runAsUser") == 0:
        yield "securityContext.runAsUser", "must not be 0"
    if pod.get("runAsNonRoot") not in (None, True):
        yield "securityContext.runAsNonRoot", "must be true"
    for at, context in _contexts(spec):
        own = context.get("runAsNonRoot")
        if (pod.get("runAsNonRoot") if own is None else own) is not True:
            yield f"{at}.runAsNonRoot", "must be true, here or for the pod"
        if context.get("runAsUser") == 0:
            yield f"{at}.runAsUser", "must not be 0"


CONTROLS: tuple[Callable[[Spec], Found], ...] = (
    host_namespaces,
    privileged,
    capabilities,
    volumes,
    host_ports,
    hosts_in_handlers,
    app_armor,
    selinux,
    proc_mount,
    seccomp,
    sysctls,
    non_root,
)


def _context(spec: Spec) -> Spec:
    return mapping(spec.get("securityContext"))


def _contexts(spec: Spec) -> Iterator[tuple[str, Spec]]:
    for at, container in containers(spec):
        yield f"{at}.securityContext", mapping(container.get("securityContext"))


def _all_contexts(spec: Spec) -> Iterator[tuple[str, Spec]]:
    yield "securityContext", _context(spec)
    yield from _contexts(spec)


def _annotations(value: object, at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, inner in mapping(value).items():
        here = f"{at}.{key}" if at else key
        if key == "metadata":
            yield f"{here}.annotations", mapping(mapping(inner).get("annotations"))
        else:
            yield from _annotations(inner, here)


def _apparmor(value: object) -> bool:
    return value in ("", "runtime/default") or str(value).startswith("localhost/")


def _problem(item: KubernetesObject, field: str, what: str) -> Problem:
    return Problem(
        "pod-security",
        item.where,
        f"{field} {what}",
        "Every pod meets the pod security standard `restricted`.",
        "set the field in the app's base or chart, as the ones that the template ships do",
    )
