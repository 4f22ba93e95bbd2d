"""Files, YAML, downloads and errors: everything that touches the disk or the network, and nothing about policies."""
