"""The tooth chart: a drawn dental arch that filters, opens and takes dropped files."""
