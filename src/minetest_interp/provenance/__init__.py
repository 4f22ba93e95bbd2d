"""Records of jobs, verification of files, and the archive."""
