"""How far will a patient's diabetes have progressed in a year? From ten measurements today."""
