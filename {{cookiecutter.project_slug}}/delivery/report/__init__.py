"""The comment on a pull request, and the verdict in it, as Markdown (`deliver report`)."""
