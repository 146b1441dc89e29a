"""The obzvon command: the embedded stack, the demo, the simulator, publish and watch."""
