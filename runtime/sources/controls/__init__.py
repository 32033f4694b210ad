"""A player's hands: gamepad, keyboard, pad scripts, remote pads become intents."""
