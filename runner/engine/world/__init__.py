"""The processes that train one network together, and how its weights are divided among them."""
