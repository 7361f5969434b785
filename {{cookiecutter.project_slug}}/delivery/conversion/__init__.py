"""From what training wrote to ONNX; runs in an environment of its own, and knows no `deliver`."""
