"""Every number that the report prints, and which numbers are expected on any machine."""
