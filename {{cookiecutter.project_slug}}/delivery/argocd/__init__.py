"""All that knows Argo CD: its files, its objects in a cluster, its API."""
