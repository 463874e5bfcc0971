"""What people hold in Python: reports, drawings, runs and models. `import nnrun` gives them."""
