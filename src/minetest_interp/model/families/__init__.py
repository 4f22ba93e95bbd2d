"""Networks by family: from a checkpoint's arrays to layers. `registry.FAMILIES` lists them."""
