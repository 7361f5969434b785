"""A real Kubernetes with Argo CD on one Linux machine, for this template's tests."""
