"""The suite consists of what the test programs list; ipck.front turns that into pytest items."""

pytest_plugins = ["ipck.front"]
