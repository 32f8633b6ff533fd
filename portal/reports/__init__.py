"""Reports: what the foundation earns, from whom, and how sure it is; reads everything, changes nothing."""
