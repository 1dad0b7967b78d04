"""Single cores: what each holds, passes on and runs, from placement and priced micro-steps."""
