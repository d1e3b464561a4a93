"""The bridge: what the local account adds to, and corrects in, the emulator it runs in."""
