"""Measuring the pipeline: what a task costs and how long it takes."""
