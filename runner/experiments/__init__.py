"""Many runs of a spec: searched by a sweep."""
