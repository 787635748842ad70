"""Screens of programs: problems, what runs, run configurations, results of tests."""
