"""A missing child from report to stand-down, on one machine: the real hub among made-up people."""
