"""The command line: each command parses, delegates, prints and exits; its module is imported when it runs."""
