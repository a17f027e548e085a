"""Measurements, for `make bench`: they print figures and assert nothing, for machines differ."""
