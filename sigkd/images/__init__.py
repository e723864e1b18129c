"""Reading untrusted images, normalising signatures, contact sheets."""
