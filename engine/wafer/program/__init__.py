"""The Program and what it stands on: machine, instruction set, tables, geometry, core states."""
