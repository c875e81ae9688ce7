"""What a client may send, with the limits of the API: street1 and zip; street1, city and state; or street1, city and zip."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator

State = Literal[
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA", "ME", "MD",
    "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "PR", "RI",
    "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "DC",
]  # fmt: skip


def text(most: int):
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=most)


def zip_text(value: object) -> object:
    """Older clients send numbers, which lose their leading zeros."""
    return f"{value:05}" if isinstance(value, int) and 0 <= value <= 99_999 else value


class NewSession(BaseModel):
    street1: Annotated[str, text(100)]
    street2: Annotated[str, text(50)] | None = None
    city: Annotated[str, text(50)] | None = None
    state: State | None = None
    zip: Annotated[Annotated[str, StringConstraints(pattern=r"^\d{5}(-\d{4})?$")] | None, BeforeValidator(zip_text)] = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    campaign_id: Annotated[str, text(100)] | None = None

    @model_validator(mode="after")
    def can_be_found(self) -> "NewSession":
        if self.zip is None and (self.city is None or self.state is None):
            raise ValueError("zip must be given, unless city and state are")
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude must come together with longitude")
        return self
