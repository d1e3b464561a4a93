"""Training, processing and transform jobs, which run as processes."""
