class drive:
    @staticmethod
    def mount(path):
        pass
