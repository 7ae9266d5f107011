"""The addresses of the Django site."""

from django.http import JsonResponse
from django.urls import include, path


def show_session(request):
    if not request.user.is_authenticated:
        return JsonResponse({"code": -2}, status=401)
    return JsonResponse({"account": {"id": request.user.id, "name": request.user.username}})


urlpatterns = [path("accounts/", include("allauth.urls")), path("api/session", show_session)]
