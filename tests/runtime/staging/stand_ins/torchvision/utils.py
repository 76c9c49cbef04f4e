def save_image(image, path):
    pass
