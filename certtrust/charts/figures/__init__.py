"""Charts put together: side by side for a slide, or one in both themes for a notebook."""
