"""Names resolved: nodes, edges, loops and energy networks."""
