"""The grammar of the stories: an engine, a world, shared phrases and the plots."""
