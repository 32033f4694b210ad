"""The wire: encoder, decoder, layout, validation, envelope."""
