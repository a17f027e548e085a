"""Scrapy's own commands, as far as ours replace them (COMMANDS_MODULE)."""
