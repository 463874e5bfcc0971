"""The program of a loop, printed as torch calls or as C++."""
