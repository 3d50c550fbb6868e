"""Invented names for the persons, rooms, sites and customers of a synthetic fleet."""

# fmt: off
FIRST_NAMES = (
    "Anna", "Ben", "Carla", "Dario", "Elif", "Finn", "Greta", "Hugo", "Ines", "Jonas", "Käthe",
    "Luca", "Mara", "Nils",
    "Olga", "Paul", "René", "Sven", "Tara", "Yusuf",
)
LAST_NAMES = (
    "Adler", "Berg", "Conti", "Dubois", "Engel", "Fischer", "Graf", "Huber", "Iken", "Jung",
    "Köhler", "Lang", "Moser",
    "Novak", "Otto", "Peters", "Roth", "Silva", "Vogt", "Weiß",
)
ROOMS = ("reception", "lobby", "kitchen", "workshop", "counter", "ward", "archive", "gate")
TOWNS = (
    "berlin", "bremen", "cologne", "dresden", "erfurt", "essen", "geneva", "graz", "hamburg",
    "hanover", "kiel",
    "leipzig", "linz", "lucerne", "lyon", "mainz", "milan", "munich", "nancy", "porto",
    "salzburg", "ulm", "utrecht",
    "verona", "vienna", "zurich",
)
CUSTOMERS = (
    "Example Clinic", "Example School", "Example Harbour", "Example Museum", "Example Foundry",
    "Example Library",
)
