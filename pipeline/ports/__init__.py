"""The protocols between the runner and everything it uses; fakes in tests stand only here."""
