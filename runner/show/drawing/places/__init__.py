"""Where everything of a picture stands, in pixels or in cells of a terminal."""
