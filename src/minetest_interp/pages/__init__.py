"""From facts to HTML, Markdown and Hugo."""
