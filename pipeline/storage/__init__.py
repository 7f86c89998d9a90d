"""Where files are: folders of this machine, and what fsspec can reach. What is in the files is known elsewhere."""
