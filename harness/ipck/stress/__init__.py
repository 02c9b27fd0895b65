"""`ipck stress`: workloads of many processes, checked against a model or by books that must balance."""
