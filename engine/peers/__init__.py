"""A model beside other machines: rooflines from published figures, this computer, the wafer."""
