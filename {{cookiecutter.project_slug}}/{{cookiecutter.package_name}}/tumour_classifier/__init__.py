"""Is a tumour malignant? From the shapes of cell nuclei in a needle aspirate."""
