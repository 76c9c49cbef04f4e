# mypy: ignore-errors
def save_image(image, path):
    pass
