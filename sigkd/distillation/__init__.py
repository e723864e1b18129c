"""Teaching a student network on handwritten text: geometry, losses, supervision by teachers, and the training loop."""
